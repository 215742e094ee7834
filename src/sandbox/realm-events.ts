export function makeEvents(..._given: unknown[]): void {}
