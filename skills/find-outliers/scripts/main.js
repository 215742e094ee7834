const values = [];
const threshold = 3.5;

const center = median({ values });
const spread = median({ values: values.map((value) => Math.abs(value - center)) });

/** Where more than half of the values are the same, every other one is out of line. */
const score = (value) => {
  if (value === center) return 0;
  return spread === 0 ? null : (0.6744897501960817 * Math.abs(value - center)) / spread;
};

const outliers = values
  .map((value, index) => ({ index, value, score: score(value) }))
  .filter((item) => item.score === null || item.score > threshold);

const result = { median: center, spread, outliers };
