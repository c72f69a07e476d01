export { type FindOptions, type FoundServices, findService, findServices } from "./ladder.js";
export {
  type Rung,
  type RunningService,
  type ServiceName,
  ServiceUnavailableError,
} from "./service.js";
