/** An answer that is a stream of events, as long as there is room for one more. */
import type { FastifyReply } from 'fastify';
import { SkillCacheError } from '../errors.ts';
import type { ServiceContext } from './context.ts';
import type { Follower } from './event-log.ts';
import { EventStream } from './event-stream.ts';

/** `follow` is told where the events go, and returns what stops them. @throws {SkillCacheError} OVERLOADED */
export function streamEvents(
  { options, streams }: ServiceContext,
  reply: FastifyReply,
  follow: (follower: Follower) => () => unknown,
): void {
  if (streams.open >= options.eventStreamsMax) {
    throw new SkillCacheError('OVERLOADED', `${streams.open} event streams are open: try again later`, {
      details: { retryAfterSeconds: 5 },
    });
  }
  streams.open += 1;
  let unfollow = (): unknown => undefined;
  const stream = new EventStream(reply, {
    heartbeatMs: options.heartbeatMs,
    onClose: () => {
      streams.open -= 1;
      unfollow();
    },
  });
  unfollow = follow({ event: (event) => stream.send(event), end: () => stream.end() });
}
