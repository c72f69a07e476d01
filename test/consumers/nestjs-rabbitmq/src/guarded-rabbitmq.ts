import { type ArgumentsHost, Catch, type RpcExceptionFilter } from "@nestjs/common";
import { BaseRpcContext, type CustomTransportStrategy, Server } from "@nestjs/microservices";
import {
  type Context,
  type Deduplicator,
  type Json,
  jsonCodec,
  PermanentError,
} from "@onlyonce/core";
import { type RabbitConsumeOptions, type RabbitConsumer, rabbitConsume } from "@onlyonce/rabbitmq";
import type { ConfirmChannel, ConsumeMessage } from "amqplib";
import { lastValueFrom, type Observable, throwError } from "rxjs";

/** What a handler gets as `@Ctx()`: the message, its attempt and its idempotency key. There is nothing to ack. */
export class GuardedContext extends BaseRpcContext<[ConsumeMessage, Context]> {
  get message(): ConsumeMessage {
    return this.getArgByIndex(0);
  }

  get delivery(): Context {
    return this.getArgByIndex(1);
  }
}

/** Lets a handler's own error through, so that onlyonce sees a `PermanentError` for what it is. */
@Catch()
export class OwnErrors implements RpcExceptionFilter<unknown> {
  catch(error: unknown, _host: ArgumentsHost): Observable<never> {
    return throwError(() => error);
  }
}

interface Parts {
  readonly deduplicator: Deduplicator;
  readonly queue: string;
  readonly open: () => Promise<ConfirmChannel>;
  readonly options?: RabbitConsumeOptions<ConsumeMessage>;
}

/** `@EventPattern` and `@MessagePattern` of one queue, guarded. Understands what Nest's own RabbitMQ client sends. */
export class GuardedRabbitMq extends Server implements CustomTransportStrategy {
  readonly transportId = Symbol("guarded RabbitMQ");
  private consumer: RabbitConsumer | undefined;

  constructor(private readonly parts: Parts) {
    super();
  }

  listen(listening: (error?: unknown) => void): void {
    const { deduplicator, open, queue, options } = this.parts;
    const replay = jsonCodec<Json>({ maxBytes: 4_096 });
    rabbitConsume(deduplicator, open, queue, this.handle, { ...options, replay }).then(
      (consumer) => {
        this.consumer = consumer;
        listening();
      },
      listening,
    );
  }

  async close(): Promise<void> {
    await this.consumer?.close();
  }

  on(): never {
    throw new Error("this transport has no events");
  }

  unwrap<T>(): T {
    return this.consumer as T;
  }

  private readonly handle = async (message: ConsumeMessage, context: Context): Promise<Json> => {
    const { pattern, data } = parse(message);
    const handler = this.getHandlerByPattern(this.normalizePattern(pattern));
    if (handler === null) throw new PermanentError(`nobody handles ${JSON.stringify(pattern)}`);
    const answers = this.transformToObservable(
      await handler(data, new GuardedContext([message, context])),
    );
    const response = (await lastValueFrom(answers, { defaultValue: null })) ?? null;
    return { response: response as Json, isDisposed: true };
  };
}

function parse({ content }: ConsumeMessage): { readonly pattern: string; readonly data: unknown } {
  try {
    return JSON.parse(content.toString());
  } catch (cause) {
    throw new PermanentError("the body is not JSON", { cause });
  }
}
