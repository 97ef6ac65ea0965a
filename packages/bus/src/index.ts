export type { Delivery, EventBus, SubscribeOptions, Subscription } from "./event-bus.ts";
export { type KafkaSecurity, type OpenBusOptions, openBus } from "./open-bus.ts";
