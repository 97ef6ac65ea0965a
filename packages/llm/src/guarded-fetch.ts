import { answerGarbled, answerTooLong } from "./errors.ts";

/** More than any answer with its frames comes to. */
const MAX_BYTES = 16 * 1024 * 1024;
const ERROR_BYTES = 64 * 1024;

/**
 * `fetch` that believes nobody: a success has to be of the content type that the protocol says (a proxy's HTML is not), and no body is
 * read beyond a cap.
 */
export function guardedFetch(provider: string, model: string, contentTypes: RegExp): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, { ...init, redirect: "error" });
    const type = response.headers.get("content-type") ?? "";
    if (response.ok && !contentTypes.test(type)) {
      const body = await capped(response, provider, model, ERROR_BYTES).text();
      throw answerGarbled({ provider, model, reason: `content type "${type}": ${body.slice(0, 200)}` });
    }
    return capped(response, provider, model, response.ok ? MAX_BYTES : ERROR_BYTES);
  };
}

function capped(response: Response, provider: string, model: string, maxBytes: number): Response {
  if (response.body === null) return response;
  let bytes = 0;
  const body = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        bytes += chunk.byteLength;
        if (bytes > maxBytes) throw answerTooLong({ provider, model, reason: `more than ${maxBytes} bytes` });
        controller.enqueue(chunk);
      },
    }),
  );
  const { status, statusText, headers } = response;
  return new Response(body, { status, statusText, headers });
}
