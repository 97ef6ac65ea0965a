// `npm run deadletter -- list|show|replay|drop`: the dead letters that the console keeps, from a terminal. It opens store and bus as every
// service does, so the same settings say where they are and how to sign in.
import { userInfo } from "node:os";
import { parseArgs } from "node:util";
import { defineModule, startHost } from "@tocsin/host";
import { AppError, type Clock, messageOf, type Sql, silentLogger } from "@tocsin/runtime";
import { type DeadLetterEntry, listDeadLetters, takeDeadLetter } from "@tocsin/store";
import * as z from "zod";
import { decideLetter, textOf } from "../dead-letters.ts";
import { letterUnknown } from "../errors.ts";

const HELP = `Events that some consumer could not process, as the console keeps them.

Usage: npm run deadletter -- list|show|replay|drop [options] [ID …]
  list             what is held, the newest first
  show ID          one of them in full: why, where from, headers, body
  replay ID …      sends it again to where it came from, under its old id: who handled it before ignores it
  drop ID …        puts it away

Options
  --state STATE    held (default), replayed, dropped or all            for list
  --limit N        at most so many, 1 to 1000, default 50              for list
  --json           one JSON object a line                              for list and show
  --all            every one that is held, instead of ids              for replay and drop
  --by NAME        who decides, for the journal; default your user     for replay and drop
  --help           this text

Store and bus are those of TOCSIN_STORE_URL and TOCSIN_BUS_URL (with TOCSIN_BUS_TLS, TOCSIN_BUS_SASL_MECHANISM and so on). The embedded store
belongs to the one process that runs: with \`npm start\`, use the console's page or its API, or stop it first.
Exit codes: 0 done, 1 a letter could not be replayed or dropped, 2 wrong arguments or set-up.
`;

const PAGE = 200;

interface Deps {
  readonly sql: Sql;
  readonly bus: Parameters<typeof decideLetter>[0]["bus"];
  readonly clock: Clock;
}

/** Every letter in a state, the newest first, up to `limit`. */
async function letters(sql: Sql, state: string | undefined, limit: number): Promise<DeadLetterEntry[]> {
  const found: DeadLetterEntry[] = [];
  let after: { readonly at: string; readonly id: string } | undefined;
  do {
    const page = await listDeadLetters(sql, {
      limit: Math.min(PAGE, limit - found.length),
      ...(state === undefined ? {} : { state }),
      ...(after === undefined ? {} : { after }),
    });
    found.push(...page.items);
    after = page.next;
  } while (after !== undefined && found.length < limit);
  return found;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const whereFrom = ({ origin }: DeadLetterEntry): string => `${origin.topic}/${origin.partition}@${origin.offset} ${origin.group}`;
const shown = ({ value, ...letter }: DeadLetterEntry) => ({ ...letter, body: textOf({ value }) });

const options = {
  help: { type: "boolean", short: "h" },
  state: { type: "string", default: "held" },
  limit: { type: "string", default: "50" },
  json: { type: "boolean", default: false },
  all: { type: "boolean", default: false },
  by: { type: "string" },
} as const;

type Command = ReturnType<typeof readCommand>;
function readCommand(argv: readonly string[]) {
  const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
  const [action, ...ids] = positionals;
  const limit = Number(values.limit);
  if (values.help === true) return { ...values, action: "help" as const, ids, limit };
  if (action !== "list" && action !== "show" && action !== "replay" && action !== "drop")
    throw new Error(`say list, show, replay or drop${action === undefined ? "" : `, not "${action}"`}`);
  if (!/^(held|replayed|dropped|all)$/.test(values.state))
    throw new Error(`--state is held, replayed, dropped or all, not "${values.state}"`);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000) throw new Error(`--limit is a number from 1 to 1000, not "${values.limit}"`);
  if (action === "show" && ids.length !== 1) throw new Error("show wants one id");
  if ((action === "replay" || action === "drop") && values.all === ids.length > 0) throw new Error(`${action} wants ids, or --all`);
  return { ...values, action, ids, limit };
}

/** @returns the exit code */
async function perform(command: Command, deps: Deps): Promise<number> {
  const { action, json } = command;
  if (action === "list") {
    const found = await letters(deps.sql, command.state === "all" ? undefined : command.state, command.limit);
    for (const letter of found)
      say(
        json
          ? JSON.stringify(shown(letter))
          : `${letter.id}  ${letter.at}  ${letter.state}  ${letter.code}  ${whereFrom(letter)}  ${letter.reason}`,
      );
    if (!json) process.stderr.write(`${found.length} ${command.state === "all" ? "in all" : command.state}\n`);
    return 0;
  }
  if (action === "show") {
    const [id] = command.ids;
    const letter = await deps.sql.transaction((tx) => takeDeadLetter(tx, id ?? ""));
    if (letter === undefined) throw letterUnknown(id ?? "");
    say(JSON.stringify(shown(letter), null, json ? 0 : 2));
    return 0;
  }
  const state = action === "replay" ? "replayed" : "dropped";
  const ids = command.all ? (await letters(deps.sql, "held", Number.POSITIVE_INFINITY)).map(({ id }) => id).reverse() : command.ids;
  let failed = 0;
  for (const id of ids)
    try {
      await decideLetter(deps, { id, state, by: command.by ?? userInfo().username });
      say(`${state} ${id}`);
    } catch (error) {
      failed++;
      process.stderr.write(`${id}: ${messageOf(error)}${AppError.is(error) ? ` (${error.code})` : ""}\n`);
    }
  process.stderr.write(`${ids.length - failed} ${state}, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  const command = readCommand(process.argv.slice(2));
  if (command.action === "help") {
    process.stdout.write(HELP);
    return 0;
  }
  // A module of its own: settings, secrets and adapters are read and opened as for every service, and closed again in order.
  let code = 0;
  const once = defineModule({
    name: "deadletter",
    config: z.object({}),
    needs: ["store", "bus"],
    async start({ store, bus, clock }) {
      code = await perform(command, { sql: store.sql, bus, clock });
    },
  });
  const host = await startHost({
    modules: [once],
    env: { ...process.env, TOCSIN_PORT: "0", TOCSIN_HOST: "127.0.0.1", TOCSIN_MODULES: "deadletter" },
    log: silentLogger,
  });
  await host.stop();
  return code;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`tocsin deadletter: ${messageOf(error).split(". To specify")[0]}${AppError.is(error) ? ` (${error.code})` : ""}\n`);
  process.exitCode = AppError.is(error, "DEAD_LETTER_UNKNOWN") ? 1 : 2;
}
