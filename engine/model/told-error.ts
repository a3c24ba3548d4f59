import { EngineError, type ErrorCode, messageOf } from './errors.ts';

/** An error as a message between threads. */
export interface ToldError {
  /** Null: not one of the engine's. */
  code: ErrorCode | null;
  message: string;
  hint?: string;
  /** The text of its cause; of an error that is not the engine's, its stack. */
  cause?: string;
}

export function tellError(thrown: unknown): ToldError {
  if (!(thrown instanceof EngineError)) {
    const stack = thrown instanceof Error ? thrown.stack : undefined;
    return {
      code: null,
      message: messageOf(thrown),
      ...(stack !== undefined && { cause: stack }),
    };
  }
  const { code, message, hint, cause } = thrown;
  return {
    code,
    message,
    ...(hint !== undefined && { hint }),
    ...(cause !== undefined && { cause: messageOf(cause) }),
  };
}

export function heardError({ code, message, hint, cause }: ToldError): Error {
  if (code === null) return new Error(message, { cause });
  return new EngineError(code, message, {
    ...(hint !== undefined && { hint }),
    ...(cause !== undefined && { cause: new Error(cause) }),
  });
}
