const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

export default function linearRegression({ points, at = [] }) {
  if (points.length < 2) throw new RangeError(`a line needs at least 2 points, got ${points.length}`);
  points.forEach(([x, y], index) => {
    if (!Number.isFinite(x) || !Number.isFinite(y))
      throw new TypeError(`points[${index}] is not a pair of numbers`);
  });
  const meanX = mean(points.map(([x]) => x));
  const meanY = mean(points.map(([, y]) => y));
  // Deviations from the means: sums of raw squares lose digits where x is large, as years are.
  let varianceX = 0;
  let varianceY = 0;
  let covariance = 0;
  for (const [x, y] of points) {
    varianceX += (x - meanX) ** 2;
    varianceY += (y - meanY) ** 2;
    covariance += (x - meanX) * (y - meanY);
  }
  if (varianceX === 0) throw new RangeError('all points have the same x: the line would be vertical');
  const slope = covariance / varianceX;
  const intercept = meanY - slope * meanX;
  const rSquared = varianceY === 0 ? 1 : covariance ** 2 / (varianceX * varianceY);
  return { slope, intercept, rSquared, predictions: at.map((x) => meanY + slope * (x - meanX)) };
}
