export { PARTS, type PartName, type RunningPart } from "./parts.ts";
export { type ServiceCommand, serviceCommand } from "./service-command.ts";
export { type Exit, type RunningService, type ServiceOptions, startService } from "./service-process.ts";
export { type Replicas, SERVICES, type ServiceName } from "./services.ts";
export { type RunningStack, type StackOptions, startStack } from "./start-stack.ts";
