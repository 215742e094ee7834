export function isCatastrophic(pattern: string, flags: string): boolean {
  return false && Boolean(pattern + flags);
}
