import { connect, type Socket } from "node:net";

/** Just enough of a Redis client to measure one: a command, its answer as text. */
export function redisClient(port: number) {
  let socket: Socket | undefined;
  const open = (): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const opened = connect(port, "127.0.0.1", () => resolve(opened));
      opened.once("error", reject);
      opened.once("close", () => {
        if (socket === opened) socket = undefined;
      });
    });
  const waiting: Promise<unknown>[] = [];
  const ask = async (...command: readonly string[]): Promise<string> => {
    socket ??= await open();
    const on = socket;
    return new Promise((resolve, reject) => {
      let text = "";
      const done = (settle: () => void) => {
        on.off("data", read);
        on.off("close", gone);
        settle();
      };
      const gone = () => done(() => reject(new Error("closed")));
      const read = (data: Buffer) => {
        text += data.toString();
        const bulk = /^\$(\d+)\r\n/.exec(text);
        if (bulk ? text.length >= bulk[0].length + Number(bulk[1]) + 2 : text.endsWith("\r\n"))
          done(() => resolve(bulk ? text.slice(bulk[0].length, -2) : text.slice(1, -2)));
      };
      on.on("data", read);
      on.once("close", gone);
      on.write(`*${command.length}\r\n${command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join("")}`);
    });
  };
  return {
    /** One at a time: answers come in the order of the questions. */
    ask(...command: readonly string[]): Promise<string> {
      const turn = Promise.allSettled(waiting.slice(-1)).then(() => ask(...command));
      waiting.push(turn);
      turn.catch(() => {});
      return turn;
    },
    close: () => socket?.destroy(),
  };
}
