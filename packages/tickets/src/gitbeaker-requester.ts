import type { ApiResponse, Send } from "./requester.ts";

// gitbeaker's own names for these are in a package that it does not re-export.
interface ServiceOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly authHeaders: Readonly<Record<string, () => Promise<string>>>;
}
interface RequestOptions {
  readonly body?: unknown;
  readonly searchParams?: Readonly<Record<string, unknown>>;
}

const METHODS = ["get", "post", "put", "patch", "delete"] as const;

/** What gitbeaker calls for every request: builds it and gives it to {@link Send}, which decides about tries. */
export const createGitbeakerRequester =
  (send: Send) =>
  (service: ServiceOptions): never => {
    const request =
      (method: (typeof METHODS)[number]) =>
      async (endpoint: string, { body, searchParams = {} }: RequestOptions = {}): Promise<ApiResponse> => {
        const url = new URL(endpoint, service.url.endsWith("/") ? service.url : `${service.url}/`);
        for (const [name, value] of Object.entries(searchParams)) if (value !== undefined) url.searchParams.set(snake(name), String(value));
        const headers: Record<string, string> = { ...service.headers };
        for (const [name, token] of Object.entries(service.authHeaders)) headers[name] = await token();
        if (body !== undefined) headers["content-type"] = "application/json";
        return send({
          method: method.toUpperCase(),
          url: url.href,
          headers,
          ...(body === undefined ? {} : { body: JSON.stringify(snakeKeys(body as Record<string, unknown>)) }),
        });
      };
    // gitbeaker types bodies more narrowly than JSON; it hands them through unread.
    return Object.fromEntries(METHODS.map((method) => [method, request(method)])) as never;
  };

const snake = (camel: string): string => camel.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const snakeKeys = (body: Record<string, unknown>) => Object.fromEntries(Object.entries(body).map(([name, value]) => [snake(name), value]));
