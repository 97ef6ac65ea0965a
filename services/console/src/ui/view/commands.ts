/** How well `text` answers what was typed: the lower the better, undefined when its letters do not come in that order. */
function distance(text: string, asked: string): number | undefined {
  const [hay, needle] = [text.toLowerCase(), asked.toLowerCase().replaceAll(" ", "")];
  let at = -1;
  let total = 0;
  for (const letter of needle) {
    const next = hay.indexOf(letter, at + 1);
    if (next < 0) return undefined;
    // A letter right after the one before, or at the beginning of a word, is what people type.
    const isWordStart = next === 0 || /[^a-z0-9]/.test(hay[next - 1] ?? "");
    total += at >= 0 && next === at + 1 ? 0 : isWordStart ? 1 : 3 + Math.min(10, next - at);
    at = next;
  }
  return total + hay.length / 100;
}

/** The commands that answer, the best first; all of them in their order when nothing was typed. */
export function rankCommands<T extends { readonly text: string; readonly hint?: string }>(
  commands: readonly T[],
  asked: string,
): readonly T[] {
  if (asked.trim() === "") return commands;
  return commands
    .flatMap((command) => {
      const by = [distance(command.text, asked), distance(command.hint ?? "", asked)].filter((each) => each !== undefined);
      return by.length === 0 ? [] : [{ command, by: Math.min(...by) }];
    })
    .sort((a, b) => a.by - b.by)
    .map(({ command }) => command);
}
