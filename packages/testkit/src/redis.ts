import { connect } from "node:net";
import { type Place, type RunningProcess, startProcess } from "./real-process.ts";

/** A real Redis on 127.0.0.1 that keeps nothing on disk. */
export const startRedis = (port: number, { logFile }: Pick<Place, "logFile"> = {}): Promise<RunningProcess> =>
  startProcess(
    "redis-server",
    ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
    () => answersPing(port),
    logFile === undefined ? {} : { logFile },
  );

const answersPing = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    socket.once("data", (data) => {
      socket.destroy();
      resolve(data.toString().startsWith("+PONG"));
    });
    socket.once("error", () => resolve(false));
  });
