/** When a request is over: its work is done, and its answer is sent or its client gone. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ERROR_KINDS } from '../errors.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Its answer is made, whether there is still somebody to hear it or not. */
    isAnswered: boolean;
    /** Nothing more can be sent. */
    isClosed: boolean;
    /** `performance.now()` when its headers had come. */
    startMs: number;
  }
}

/** `status` is what was sent; where nothing was, that the client closed the request. */
type Listener = (request: FastifyRequest, end: { status: number; durationMs: number }) => void;

/** Fastify's own `onResponse` never comes for a client that is gone. */
export class RequestEnds {
  readonly #listeners: Listener[] = [];

  constructor(app: FastifyInstance) {
    app.decorateRequest('isAnswered', false);
    app.decorateRequest('isClosed', false);
    app.decorateRequest('startMs', 0);
    app.addHook('onRequest', (request, reply, done) => {
      request.startMs = performance.now();
      reply.raw.once('close', () => {
        request.isClosed = true;
        // What is written past Fastify is `sent` from its beginning.
        if (request.isAnswered || reply.sent) this.#tell(request, reply);
      });
      done();
    });
  }

  /** Once for each request. */
  listen(listener: Listener): void {
    this.#listeners.push(listener);
  }

  /** After all that is done with an answer before it is sent. */
  watchAnswers(app: FastifyInstance): void {
    app.addHook('onSend', (request, reply, payload, done) => {
      if (!request.isAnswered) {
        request.isAnswered = true;
        if (request.isClosed) this.#tell(request, reply);
      }
      done(null, payload);
    });
  }

  #tell(request: FastifyRequest, reply: FastifyReply): void {
    const { headersSent, statusCode } = reply.raw;
    const status = headersSent ? statusCode : ERROR_KINDS.ABORTED.httpStatus;
    const end = { status, durationMs: performance.now() - request.startMs };
    for (const listener of this.#listeners) listener(request, end);
  }
}
