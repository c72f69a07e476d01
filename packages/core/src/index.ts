export type { ClaimLostMessage, ProcessMessage, StoreErrorMessage } from "./channels.js";
export type { Clock } from "./clock.js";
export { cloudEvent } from "./cloud-event.js";
export type {
  Deduplicator,
  DeduplicatorOptions,
  ProcessOptions,
  Replayed,
  Settled,
} from "./deduplicator.js";
export { createDeduplicator } from "./deduplicator.js";
export type { Delivery, Origin, Transport } from "./delivery.js";
export type { DuplicateKind } from "./duplicate-kind.js";
export type { OnlyOnceErrorCode } from "./errors.js";
export { OnlyOnceError, PermanentError } from "./errors.js";
export type { Context, DeadLetterReason, Handler } from "./handler.js";
export type { Json } from "./json.js";
export { jsonField } from "./json-field.js";
export { compose, coordinates, firstOf, header, messageId } from "./key-strategies.js";
export type { KeyStrategy } from "./key-strategy.js";
export type { MemoryStoreOptions } from "./memory-store.js";
export { memoryStore } from "./memory-store.js";
export type { MessageKey } from "./message-key.js";
export type {
  Arrival,
  ClaimEvent,
  ClaimLoss,
  Incident,
  Observer,
  OutcomeEvent,
  StoreCall,
} from "./observer.js";
export type { Outcome, OutcomeDetail } from "./outcome.js";
export type { PayloadHashOptions } from "./payload-hash.js";
export { payloadHash } from "./payload-hash.js";
export type { Mode, TopicPolicy } from "./policy.js";
export type { Codec } from "./replay.js";
export { jsonCodec } from "./replay.js";
export type {
  ClaimReply,
  ClaimRequest,
  CompleteReply,
  Completion,
  Finding,
  Held,
  KeyRecord,
  Release,
  ReleaseReply,
  RememberReply,
  RenewReply,
  ReplicaWait,
  StartReply,
  Store,
  StoreFailure,
} from "./store.js";
