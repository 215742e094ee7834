export function makeUrl(..._given: unknown[]): void {}
