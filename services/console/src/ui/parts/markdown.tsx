// Markdown as elements, made from its syntax tree: HTML in it is shown as the text that it is, and only addresses of the web are links.
import type { Nodes, Paragraph } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { createElement, Fragment, type ReactNode } from "react";
import { safeHref } from "../view/links.ts";
import { Output } from "./output.tsx";

export function Markdown({ text }: { text: string }) {
  return <div className="prose">{render(fromMarkdown(text), "0")}</div>;
}

const childrenOf = (node: Nodes, key: string): ReactNode =>
  "children" in node ? node.children.map((child, n) => render(child, `${key}.${n}`)) : null;

function render(node: Nodes, key: string): ReactNode {
  const inner = () => childrenOf(node, key);
  switch (node.type) {
    case "root":
      return <Fragment key={key}>{inner()}</Fragment>;
    case "heading":
      // The page has its own first and second headings.
      return createElement(`h${Math.min(6, node.depth + 2)}`, { key }, inner());
    case "paragraph": {
      const table = tableOf(node, key);
      return table ?? <p key={key}>{inner()}</p>;
    }
    case "text":
      return <Fragment key={key}>{node.value.replace(/^\[ \] /, "☐ ").replace(/^\[x\] /, "☑ ")}</Fragment>;
    case "strong":
      return <strong key={key}>{inner()}</strong>;
    case "emphasis":
      return <em key={key}>{inner()}</em>;
    case "inlineCode":
      return <code key={key}>{node.value}</code>;
    case "code":
      return <Output key={key}>{node.value}</Output>;
    case "list":
      return node.ordered === true ? <ol key={key}>{inner()}</ol> : <ul key={key}>{inner()}</ul>;
    case "listItem":
      return <li key={key}>{inner()}</li>;
    case "blockquote":
      return <blockquote key={key}>{inner()}</blockquote>;
    case "thematicBreak":
      return <hr key={key} />;
    case "break":
      return <br key={key} />;
    case "link": {
      const href = safeHref(node.url);
      return href === undefined ? (
        <Fragment key={key}>{inner()}</Fragment>
      ) : (
        <a key={key} href={href} rel="noopener noreferrer">
          {inner()}
        </a>
      );
    }
    case "html":
      return <Fragment key={key}>{node.value}</Fragment>;
    default:
      return <Fragment key={key}>{inner()}</Fragment>;
  }
}

/** Tables are not in plain Markdown: a paragraph of lines between bars is one, when its second line is the rule under its head. */
function tableOf(node: Paragraph, key: string): ReactNode {
  const [first] = node.children;
  if (first?.type !== "text" || node.children.length !== 1) return undefined;
  const [head, rule, ...rows] = first.value.split("\n").map((line) =>
    line
      .trim()
      .replace(/^\||\|$/g, "")
      .split("|")
      .map((cell) => cell.trim()),
  );
  if (head === undefined || rule === undefined || !first.value.startsWith("|") || !rule.every((cell) => /^:?-+:?$/.test(cell)))
    return undefined;
  const at = (n: number) => `${key}:${n}`;
  return (
    <div key={key} className="table-frame">
      <table>
        <thead>
          <tr>
            {head.map((cell, n) => (
              <th key={at(n)} scope="col">
                {cell}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, r) => (
            <tr key={at(r)}>
              {row.map((cell, n) => (
                <td key={at(n)}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
