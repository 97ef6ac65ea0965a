import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));

interface Manifest {
  name: string;
  layer?: number;
  folder: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}
const folders = ["packages", "services"].flatMap((area) => readdirSync(join(root, area)).map((name) => join(area, name)));
const manifests: Manifest[] = [...folders, "deploy/local"].map((path) => {
  const folder = join(root, path);
  return { ...(JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Omit<Manifest, "folder">), folder };
});
const layerOf = new Map(manifests.map(({ name, layer }) => [name, layer]));

function sourcesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sourcesBelow(path);
    return /\.tsx?$/.test(entry.name) ? [path] : [];
  });
}
const importsOf = (file: string): string[] =>
  [...readFileSync(file, "utf8").matchAll(/(?:^|\n)\s*(?:import|export)\b[^;]*?from\s+"([^"]+)"|import\("([^"]+)"\)/g)].map(
    (match) => (match[1] ?? match[2]) as string,
  );

describe.each(manifests)("$name", ({ name, layer, dependencies = {}, folder }) => {
  test("depends only on lower layers", () => {
    expect(layer, "every package.json declares its layer").toBeTypeOf("number");
    const upward = Object.keys(dependencies).filter((d) => layerOf.has(d) && (layerOf.get(d) as number) >= (layer as number));
    expect(upward).toEqual([]);
  });

  test("imports in its sources only what it declares, and nobody's insides", () => {
    const wrong = sourcesBelow(join(folder, "src")).flatMap((file) =>
      importsOf(file)
        .filter((specifier) => specifier.startsWith("@tocsin/"))
        .filter((specifier) => {
          const packageName = specifier.split("/").slice(0, 2).join("/");
          const inside = specifier !== packageName && specifier !== `${packageName}/module`;
          return inside || !(packageName in dependencies) || packageName === name;
        })
        .map((specifier) => `${file}: ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  test("imports no index of its own and leaves no folder above its own", () => {
    const wrong = sourcesBelow(join(folder, "src")).flatMap((file) =>
      importsOf(file)
        .filter((specifier) => specifier.startsWith("."))
        .filter((specifier) => /(^|\/)index\.ts$/.test(specifier) || !join(dirname(file), specifier).startsWith(`${folder}/`))
        .map((specifier) => `${file}: ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });
});

const DOMAIN = ["incident", "correlation", "diagnosis", "detection", "runbooks"];
test.each(manifests.filter(({ name }) => DOMAIN.includes(name.replace("@tocsin/", ""))))(
  "$name decides only: no I/O, no clock, no environment, no randomness",
  ({ folder }) => {
    const wrong = sourcesBelow(join(folder, "src")).flatMap((file) => {
      const text = readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, "");
      return [
        /node:(fs|net|http|https|child_process|timers|dns|worker_threads)\b/,
        /\bprocess\.(env|argv|exit)/,
        /\bDate\.now\(/,
        /\bMath\.random\(/,
        /\bfetch\(/,
        /\bnew Date\(\)/,
      ]
        .filter((pattern) => pattern.test(text))
        .map((pattern) => `${file}: ${pattern}`);
    });
    expect(wrong).toEqual([]);
  },
);

test("only host, platform and command-line programs read the environment or the arguments of the process", () => {
  const wrong = manifests
    .filter(({ name }) => !["@tocsin/host", "@tocsin/testkit", "@tocsin/local"].includes(name))
    .flatMap(({ folder }) => sourcesBelow(join(folder, "src")))
    .filter((file) => !/\/src\/(cli\/|fleet\/|main\.ts)/.test(file))
    .filter((file) => /\bprocess\.(env|argv|on)\b/.test(readFileSync(file, "utf8")));
  expect(wrong).toEqual([]);
});

test("the top level holds what the map of the house names and nothing else", () => {
  const allowed =
    /^(services|packages|deploy|runbooks|docker-compose\.(core|observability|aiops)\.yml|package\.json|pnpm-workspace\.yaml|pnpm-lock\.yaml|tsconfig\.base\.json|turbo\.json|README\.md|LICENSE|node_modules|\..*)$/;
  expect(readdirSync(root).filter((name) => !allowed.test(name))).toEqual([]);
});
