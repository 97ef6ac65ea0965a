export { eventually } from "./eventually.ts";
export { type FakeClock, fakeClock } from "./fake-clock.ts";
export { freePort } from "./free-port.ts";
export { findProgram, lacks } from "./real.ts";
