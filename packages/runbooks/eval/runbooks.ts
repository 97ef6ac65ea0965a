// Matching real alerts, their names masked, to the runbook that their own `runbook_url` names. `npm run eval -- runbooks`
//
// What is compared: our text index over the runbooks' Markdown, and plain BM25 (k1 1.2, b 0.75, words as they stand) over the same texts and
// the same questions. The question is summary and description; the name is taken out of both. One configuration, no tuning per case.
import { readdir, readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { guidanceFields, parseGuidance } from "../src/guidance.ts";
import { indexTexts } from "../src/text-similarity.ts";

interface RealAlert {
  readonly alert: string;
  readonly summary: string | null;
  readonly description: string | null;
  readonly runbook_file: string | null;
}

const folder = join(process.env["TOCSIN_EVAL_DATA"] ?? fileURLToPath(new URL("../../../../shared/data", import.meta.url)), "runbooks");
const print = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);

async function evaluate(): Promise<void> {
  const known = await readFile(join(folder, "alert_to_runbook.json"), "utf8").catch(() => undefined);
  if (known === undefined) {
    print({ suite: "runbooks", case: "all", absent: folder });
    return;
  }
  const paths = (await readdir(folder, { recursive: true })).filter((path) => path.endsWith(".md")).sort();
  const texts = await Promise.all(paths.map(async (path) => parseGuidance(path, await readFile(join(folder, path), "utf8"))));
  const alerts = (JSON.parse(known) as RealAlert[]).filter((alert) => alert.runbook_file !== null && paths.includes(alert.runbook_file));
  print({
    suite: "runbooks",
    machine: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`,
    node: process.version,
    configuration: "BM25F k1 1.2 b 0.6, title 3, meaning 2, neighbours joined; question: summary + description, name masked",
    runbooks: texts.length,
    alerts: alerts.length,
  });

  const index = indexTexts(texts, guidanceFields);
  const plain = plainBm25(texts.map((text) => text.text));
  const subjects = {
    tocsin: (question: string) => index.search(question).map((hit) => hit.item.path),
    bm25: (question: string) => plain(question).map((position) => paths[position] as string),
  };
  for (const [subject, rank] of Object.entries(subjects)) {
    const beganAt = performance.now();
    const ranks = alerts.map((alert) => {
      const question = `${alert.summary ?? ""}\n${alert.description ?? ""}`.replaceAll(alert.alert, " ");
      return rank(question).indexOf(alert.runbook_file as string) + 1;
    });
    const ms = (performance.now() - beganAt) / ranks.length;
    const share = (holds: (rank: number) => boolean) => ranks.filter(holds).length / ranks.length;
    const told = { suite: "runbooks", case: "all", subject, n: ranks.length };
    print({ ...told, metric: "mrr", value: round(ranks.reduce((sum, r) => sum + (r > 0 ? 1 / r : 0), 0) / ranks.length), unit: "ratio" });
    print({ ...told, metric: "recall@1", value: round(share((r) => r === 1)), unit: "ratio" });
    print({ ...told, metric: "recall@5", value: round(share((r) => r >= 1 && r <= 5)), unit: "ratio" });
    print({ ...told, metric: "time", value: round(ms), unit: "ms" });
    alerts.forEach((alert, i) => {
      if (ranks[i] !== 1) process.stderr.write(`${subject}: ${alert.alert} at ${ranks[i] || "none"}\n`);
    });
  }
}

const round = (value: number): number => Number(value.toFixed(4));

/** Okapi BM25 as textbooks have it. @returns positions of documents, the best first */
function plainBm25(documents: readonly string[]): (question: string) => number[] {
  const words = (text: string) =>
    text
      .toLowerCase()
      .split(/[^a-z0-9]+/)
      .filter((word) => word.length > 1);
  const counted = documents.map((text) => {
    const counts = new Map<string, number>();
    for (const word of words(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
    return { counts, length: words(text).length };
  });
  const average = counted.reduce((sum, d) => sum + d.length, 0) / Math.max(1, counted.length);
  const frequency = new Map<string, number>();
  for (const { counts } of counted) for (const word of counts.keys()) frequency.set(word, (frequency.get(word) ?? 0) + 1);
  return (question) => {
    const asked = words(question);
    return counted
      .map(({ counts, length }, position) => {
        let score = 0;
        for (const word of asked) {
          const count = counts.get(word);
          if (count === undefined) continue;
          const n = frequency.get(word) as number;
          score +=
            (Math.log(1 + (counted.length - n + 0.5) / (n + 0.5)) * count * 2.2) / (count + 1.2 * (0.25 + (0.75 * length) / average));
        }
        return { position, score };
      })
      .sort((a, b) => b.score - a.score || a.position - b.position)
      .map(({ position }) => position);
  };
}

await evaluate();
