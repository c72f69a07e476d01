// What the examples in the READMEs leave to the reader.
declare function charge(what: unknown, idempotencyKey: string): Promise<void>;
declare function ship(what: unknown, idempotencyKey: string): Promise<void>;
