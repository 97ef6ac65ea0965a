import type { Deed } from "./format.ts";
import type { Slot } from "./placeholder.ts";

/**
 * The same deed with each of its texts put through `map`, which learns where the text stands: the one place that says which slot a
 * text is in, for the linter that judges and for the planner that fills in.
 *
 * @param map gets the slot, the text, and the path to it within the step
 */
export function mapTexts(deed: Deed, map: (slot: Slot, text: string, path: readonly PropertyKey[]) => string): Deed {
  const at = (slot: Slot, text: string, ...path: PropertyKey[]) => map(slot, text, ["with", ...path]);
  switch (deed.verb) {
    case "container.run": {
      const { image, argv, env, network } = deed.with;
      return {
        verb: deed.verb,
        with: {
          image: at("literal", image, "image"),
          argv: argv.map((text, index) => at(index === 0 ? "literal" : "argument", text, "argv", index)),
          env: Object.fromEntries(Object.entries(env).map(([name, text]) => [name, at("whole", text, "env", name)])),
          ...(network === undefined ? {} : { network: at("literal", network, "network") }),
        },
      };
    }
    case "http.request": {
      const { url, body } = deed.with;
      return {
        verb: deed.verb,
        with: { ...deed.with, url: at("url", url, "url"), ...(body === undefined ? {} : { body: at("literal", body, "body") }) },
      };
    }
    case "notify":
      return { verb: deed.verb, with: { text: at("prose", deed.with.text, "text") } };
    case "ask":
      return { verb: deed.verb, with: { question: at("prose", deed.with.question, "question") } };
    case "wait":
      return { verb: deed.verb, with: deed.with };
    case "check":
      return { verb: deed.verb, with: deed.with };
    case "target.rollback": {
      const { target, toRevision } = deed.with;
      return {
        verb: deed.verb,
        with: {
          target: at("whole", target, "target"),
          ...(toRevision === undefined ? {} : { toRevision: at("whole", toRevision, "toRevision") }),
        },
      };
    }
    case "target.scale": {
      const { target, replicas } = deed.with;
      return {
        verb: deed.verb,
        with: {
          target: at("whole", target, "target"),
          replicas: typeof replicas === "string" ? at("whole", replicas, "replicas") : replicas,
        },
      };
    }
    case "target.config": {
      const { target, name, value } = deed.with;
      return {
        verb: deed.verb,
        with: {
          target: at("whole", target, "target"),
          name: at("literal", name, "name"),
          value: value === null ? null : at("whole", value, "value"),
        },
      };
    }
    case "target.logs":
      return { verb: deed.verb, with: { ...deed.with, target: at("whole", deed.with.target, "target") } };
    case "target.restart":
    case "target.start":
    case "target.stop":
    case "target.recreate":
    case "target.reconnect":
    case "target.stats":
      return { verb: deed.verb, with: { target: at("whole", deed.with.target, "target") } };
  }
}
