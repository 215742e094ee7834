// The caller's series and window take the place of these defaults.
const prices = [];
const window = 3;

if (!Number.isInteger(window) || window < 1) {
  throw new RangeError(`window must be a whole number of at least 1, got ${window}`);
}
prices.forEach((price, index) => {
  if (!Number.isFinite(price)) throw new TypeError(`prices[${index}] is not a finite number`);
});

// Each window is summed anew: a running sum would carry its rounding errors along.
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

export const result = prices
  .slice(window - 1)
  .map((_last, start) => mean(prices.slice(start, start + window)));
