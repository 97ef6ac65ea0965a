// GitLab acts on lines of descriptions and notes that begin with a slash, with the rights of whoever wrote them. The stand-in does so too,
// and more eagerly than GitLab: also behind white space and characters that nobody sees, and in capitals. What passes here passes there.

export interface QuickAction {
  /** e.g. `close`, `label`, `assign` */
  readonly command: string;
  readonly argument: string;
}

const COMMANDS =
  "add_contacts approve assign assign_reviewer award board_move clone close confidential convert_to_ticket copy_metadata create_merge_request cc due done duplicate epic estimate health_status iteration label link lock merge milestone move page promote promote_to promote_to_incident publish react ready rebase relabel relate remove_due_date reopen reassign remove_child remove_parent request_review severity set_parent shrug spend status submit_review subscribe tableflip target_branch timeline title todo type unapprove unassign unlabel unlink unlock unsubscribe weight zoom".split(
    " ",
  );

/** What a browser shows as nothing, or only on top of something: format characters, fillers, combining marks. */
const INVISIBLE = /\p{Cf}|\p{Cc}|\p{Mn}|[\u115f\u1160\u3164\uffa0]/gu;

/** Splits a text into what GitLab keeps of it and the actions that it runs. Fenced code is left alone, as GitLab does. */
export function readQuickActions(text: string): { kept: string; actions: QuickAction[] } {
  const actions: QuickAction[] = [];
  let fence: string | undefined;
  const kept = text.split(/\r\n|[\n\r\u0085\u2028\u2029]/).filter((line) => {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence !== undefined) {
      if (mark?.startsWith(fence)) fence = undefined;
      return true;
    }
    if (mark !== undefined) {
      fence = mark;
      return true;
    }
    const visible = line.replaceAll(INVISIBLE, "").trim().normalize("NFKC");
    const found = /^\/([a-z_]+)(?:\s+(.*))?$/i.exec(visible);
    const command = found?.[1]?.toLowerCase();
    if (command === undefined || !COMMANDS.includes(command)) return true;
    actions.push({ command, argument: (found?.[2] ?? "").trim() });
    return false;
  });
  return { kept: kept.join("\n"), actions };
}

/** What GitLab would turn into links that notify or cross-reference: looked for after entities are decoded, outside of code. */
export function readReferences(text: string): { mentions: string[]; references: string[] } {
  const visible = text
    .replaceAll(/<!--.*?-->/gs, "")
    .replaceAll(/^ {0,3}(`{3,}|~{3,})[^\n]*\n.*?^ {0,3}\1/gms, "")
    .replaceAll(/(`+)[^`].*?\1/gs, "")
    .replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll(/&#x([0-9a-f]+);/gi, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 16)))
    .replaceAll("&commat;", "@")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&")
    .replaceAll(/\\([!-/:-@[-`{-~])/g, "$1");
  return {
    mentions: [...visible.matchAll(/(?<![\w`])@([a-z0-9_][\w.-]*)/gi)].map((match) => match[1] as string),
    references: [...visible.matchAll(/(?<!\w)(?:#\d+|!\d+|~(?:\w|"[^"]+")[\w:-]*|%(?:\w|")[\w.]*|&\d+|\$\d+|\^alert#\d+)/gi)].map(
      (match) => match[0],
    ),
  };
}
