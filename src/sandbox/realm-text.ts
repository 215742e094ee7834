export function makeText(..._given: unknown[]): void {}
