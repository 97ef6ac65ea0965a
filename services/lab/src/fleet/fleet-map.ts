// Terms. The *fleet map* says what the lab's shop consists of: which services there are, which routes each serves, and
// whom a route calls, in order. A *route* does a little work on the service's own *pool* and then its calls.
// The graph has no cycle: storefront → catalog, cart, checkout → payments, cart, inventory.

export interface Call {
  readonly peer: string;
  readonly method: "GET" | "POST";
  readonly path: string;
}

export interface Route {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** How long its query holds a connection of the pool, in milliseconds, on average. */
  readonly queryMs: number;
  readonly calls: readonly Call[];
}

export interface FleetService {
  readonly name: string;
  /** What its pool leads to; named in its log lines. */
  readonly backend: string;
  readonly versions: readonly [previous: string, current: string, next: string];
  readonly routes: readonly Route[];
}

const stock: Call = { peer: "inventory", method: "GET", path: "/stock" };

export const FLEET: readonly FleetService[] = [
  {
    name: "inventory",
    backend: "stock database",
    versions: ["1.9.2", "1.10.0", "1.11.0"],
    routes: [
      { method: "GET", path: "/stock", queryMs: 3, calls: [] },
      { method: "POST", path: "/reservations", queryMs: 5, calls: [] },
    ],
  },
  {
    name: "payments",
    backend: "ledger",
    versions: ["2.7.4", "2.8.0", "2.9.0"],
    routes: [{ method: "POST", path: "/charges", queryMs: 6, calls: [] }],
  },
  {
    name: "catalog",
    backend: "product index",
    versions: ["5.0.9", "5.1.0", "5.2.0"],
    routes: [
      { method: "GET", path: "/products", queryMs: 4, calls: [] },
      { method: "GET", path: "/product", queryMs: 3, calls: [stock] },
    ],
  },
  {
    name: "cart",
    backend: "session store",
    versions: ["3.3.7", "3.4.0", "3.5.0"],
    routes: [
      { method: "GET", path: "/cart", queryMs: 2, calls: [] },
      { method: "POST", path: "/items", queryMs: 3, calls: [stock] },
    ],
  },
  {
    name: "checkout",
    backend: "order database",
    versions: ["4.1.3", "4.2.0", "4.3.0"],
    routes: [
      {
        method: "POST",
        path: "/orders",
        queryMs: 4,
        calls: [
          { peer: "cart", method: "GET", path: "/cart" },
          { peer: "inventory", method: "POST", path: "/reservations" },
          { peer: "payments", method: "POST", path: "/charges" },
        ],
      },
    ],
  },
  {
    name: "storefront",
    backend: "template cache",
    versions: ["7.8.1", "7.9.0", "7.10.0"],
    routes: [
      { method: "GET", path: "/", queryMs: 2, calls: [{ peer: "catalog", method: "GET", path: "/products" }] },
      { method: "GET", path: "/product", queryMs: 2, calls: [{ peer: "catalog", method: "GET", path: "/product" }] },
      { method: "POST", path: "/cart", queryMs: 2, calls: [{ peer: "cart", method: "POST", path: "/items" }] },
      { method: "POST", path: "/checkout", queryMs: 2, calls: [{ peer: "checkout", method: "POST", path: "/orders" }] },
    ],
  },
];

/** Whom a service calls, each once, in the order of its routes. */
export const peersOf = (service: FleetService): readonly string[] => [
  ...new Set(service.routes.flatMap((route) => route.calls.map((call) => call.peer))),
];
