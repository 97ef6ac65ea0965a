import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A balancer as it stands before replicas: each new connection goes to the next one that answers. */
export async function oneAddress(addresses: readonly string[]): Promise<{ readonly url: string; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  let turn = 0;
  const server = createServer((client) => {
    sockets.add(client);
    client.once("close", () => sockets.delete(client));
    client.on("error", () => client.destroy());
    const forward = (triesLeft: number): void => {
      const { hostname, port } = new URL(addresses[turn++ % addresses.length] as string);
      const behind = connect(Number(port), hostname);
      behind.once("connect", () => {
        sockets.add(behind);
        client.pipe(behind).pipe(client);
      });
      behind.once("close", () => {
        sockets.delete(behind);
        client.destroy();
      });
      behind.once("error", () => {
        behind.removeAllListeners("close");
        if (behind.bytesRead === 0 && behind.bytesWritten === 0 && triesLeft > 0) forward(triesLeft - 1);
        else client.destroy();
      });
      client.once("close", () => behind.destroy());
    };
    forward(addresses.length - 1);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
