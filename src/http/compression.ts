/** Packs answers where that pays, and unpacks requests within the bound of a body. */
import { Transform, type Readable } from 'node:stream';
import { promisify } from 'node:util';
import {
  brotliCompress,
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  gzip,
} from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import { SkillCacheError } from '../errors.ts';

const packGzip = promisify(gzip);
const packBrotli = promisify(brotliCompress);

/** Below it an answer fits into one packet or two, and packing costs more than it saves. */
const PACKED_BYTES_MIN = 1_400;
/** Fast: it is done for every answer anew. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };
const GZIP = { level: 4 };

export function addCompression(app: FastifyInstance, bodyBytesMax: number): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    if (typeof payload !== 'string' || payload.length < PACKED_BYTES_MIN) return done(null, payload);
    reply.header('vary', 'accept-encoding');
    const packing = packingOf(request.headers['accept-encoding']);
    if (packing === undefined) return done(null, payload);
    reply.header('content-encoding', packing).removeHeader('content-length');
    return packing === 'br' ? packBrotli(payload, BROTLI) : packGzip(payload, GZIP);
  });
  app.addHook('preParsing', (request, _reply, payload, done) => {
    const encoding = request.headers['content-encoding'];
    if (encoding === undefined || encoding === 'identity') return done(null, payload);
    // What is unpacked has another length than what was announced.
    delete request.headers['content-length'];
    try {
      return done(null, unpacked(payload as Readable, encoding, bodyBytesMax));
    } catch (error) {
      return done(error as Error);
    }
  });
}

/** `gzip;q=0` refuses it. */
function packingOf(header: string | undefined): 'br' | 'gzip' | undefined {
  if (header === undefined) return undefined;
  const refused = new Set<string>();
  const accepted = new Set<string>();
  for (const part of header.slice(0, 500).toLowerCase().split(',')) {
    const [name = '', ...parameters] = part.split(';').map((piece) => piece.trim());
    const isRefused = parameters.some((one) => /^q=0(?:\.0*)?$/.test(one));
    (isRefused ? refused : accepted).add(name);
  }
  return (['br', 'gzip'] as const).find((name) => accepted.has(name) && !refused.has(name));
}

function unpacked(payload: Readable, encoding: string, bodyBytesMax: number): Readable {
  const unpack = unpackerOf(encoding);
  const bound = new Bound(bodyBytesMax);
  payload.once('error', (error) => unpack.destroy(error));
  unpack.once('error', (cause) => {
    const message = `the body is not ${encoding}`;
    bound.destroy(
      cause instanceof SkillCacheError ? cause : new SkillCacheError('REQUEST_INVALID', message, { cause }),
    );
  });
  bound.once('close', () => unpack.destroy());
  return payload.pipe(unpack).pipe(bound);
}

function unpackerOf(encoding: string): Transform {
  switch (encoding.toLowerCase()) {
    case 'gzip':
      return createGunzip();
    case 'br':
      return createBrotliDecompress();
    case 'deflate':
      return createInflate();
    default:
      throw new SkillCacheError('MEDIA_TYPE', 'a body may be packed as gzip, br or deflate');
  }
}

/** A few bytes may unpack to gigabytes: it ends at the bound. */
class Bound extends Transform {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    super();
    this.#bytesMax = bytesMax;
  }

  override _transform(
    chunk: Buffer,
    _encoding: string,
    done: (error: Error | null, chunk?: Buffer) => void,
  ): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= this.#bytesMax) done(null, chunk);
    else
      done(
        new SkillCacheError('BODY_TOO_LARGE', `the body is larger than ${this.#bytesMax} bytes, unpacked`),
      );
  }
}
