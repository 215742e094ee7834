/** What is refused before a parser sees it: no text, too long a one, one that the parser is slow on. */
import { SkillSyntaxError } from '../errors.ts';

export const SOURCE_LENGTH_MAX = 16 * 1024 * 1024;
/** For each block comment the parser walks on to the next line end: characters in all. */
const COMMENT_WALK_MAX = 2 ** 29;
const LINE_END = /[\n\r\u2028\u2029]/g;

/** @throws {SkillSyntaxError} with `details.limit` where `code` is a text, but beyond a limit. */
export function checkSource(code: unknown): void {
  if (typeof code !== 'string') {
    throw new SkillSyntaxError(`code is ${code === null ? 'null' : `a ${typeof code}`}, not a text`);
  }
  if (code.length > SOURCE_LENGTH_MAX) {
    throw new SkillSyntaxError(
      `the code has ${code.length} characters, at most ${SOURCE_LENGTH_MAX} are read`,
      { details: { length: code.length, limit: SOURCE_LENGTH_MAX } },
    );
  }
  checkComments(code);
}

/** `/*` inside a text or a regular expression counts too: only a parser can tell. */
function checkComments(code: string): void {
  let walk = 0;
  let comments = 0;
  let lineEnd = -1;
  for (let at = code.indexOf('/*'); at >= 0; at = code.indexOf('/*', at + 2)) {
    if (lineEnd < at) {
      LINE_END.lastIndex = at;
      lineEnd = LINE_END.test(code) ? LINE_END.lastIndex : code.length;
    }
    comments += 1;
    walk += lineEnd - at;
    if (walk <= COMMENT_WALK_MAX) continue;
    throw new SkillSyntaxError(
      `the code has ${comments} or more comments on lines too long to be parsed: break the lines`,
      { details: { comments, walk, limit: COMMENT_WALK_MAX } },
    );
  }
}
