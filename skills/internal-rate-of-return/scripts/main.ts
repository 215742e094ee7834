interface Inputs {
  flows: number[];
  /** A rate per period to value the flows at. */
  rate?: number;
}

/** Horner's scheme in 1 / (1 + rate). */
function presentValue(flows: readonly number[], rate: number): number {
  return flows.reduceRight((value, flow) => flow + value / (1 + rate), 0);
}

function rateOfReturn(flows: readonly number[]): number | null {
  let low = -0.9999;
  let high = 1_000;
  const lowSign = Math.sign(presentValue(flows, low));
  if (lowSign === 0) return low;
  if (lowSign === Math.sign(presentValue(flows, high))) return null;
  for (let step = 0; step < 200 && high - low > 1e-14 * Math.max(1, Math.abs(low)); step += 1) {
    const middle = (low + high) / 2;
    if (Math.sign(presentValue(flows, middle)) === lowSign) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

export default function internalRateOfReturn({ flows, rate }: Inputs) {
  flows.forEach((flow, index) => {
    if (!Number.isFinite(flow)) throw new TypeError(`flows[${index}] is not a finite number`);
  });
  if (rate !== undefined && !(rate > -1)) throw new RangeError('rate must be above -1 (-100 %)');
  const hasBothSigns = flows.some((flow) => flow > 0) && flows.some((flow) => flow < 0);
  return {
    rate: hasBothSigns ? rateOfReturn(flows) : null,
    ...(rate !== undefined && { presentValue: presentValue(flows, rate) }),
  };
}
