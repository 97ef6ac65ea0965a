export type { Delivery, EventBus, SubscribeOptions, Subscription } from "./event-bus.ts";
