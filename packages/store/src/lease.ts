import type { Queryable } from "@tocsin/runtime";

/**
 * Takes a lease or renews it, by the database's clock.
 * @param holder unlike any other in any process
 * @returns whether it is held now, for `seconds`
 */
export async function takeLease(sql: Queryable, name: string, holder: string, seconds: number): Promise<boolean> {
  const { rows } = await sql.query(
    `INSERT INTO leases (name, holder, leased_until) VALUES ($1, $2, now() + $3 * interval '1 second')
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, leased_until = excluded.leased_until
     WHERE leases.holder = excluded.holder OR leases.leased_until < now()
     RETURNING name`,
    [name, holder, seconds],
  );
  return rows.length > 0;
}

/** Gives a lease back, if it is still held. */
export async function dropLease(sql: Queryable, name: string, holder: string): Promise<void> {
  await sql.query("DELETE FROM leases WHERE name = $1 AND holder = $2", [name, holder]);
}
