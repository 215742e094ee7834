interface Inputs {
  value: number;
  from: string;
  to: string;
}

/** Factors to the first unit of each kind. */
const UNITS: Record<string, Record<string, number>> = {
  length: {
    m: 1,
    km: 1000,
    cm: 0.01,
    mm: 0.001,
    um: 1e-6,
    nm: 1e-9,
    in: 0.0254,
    ft: 0.3048,
    yd: 0.9144,
    mi: 1609.344,
    nmi: 1852,
  },
  mass: { kg: 1, g: 0.001, mg: 1e-6, t: 1000, lb: 0.45359237, oz: 0.028349523125, st: 6.35029318 },
  volume: {
    l: 1,
    ml: 0.001,
    m3: 1000,
    gal: 3.785411784,
    qt: 0.946352946,
    pt: 0.473176473,
    cup: 0.2365882365,
    floz: 0.0295735295625,
    tbsp: 0.01478676478125,
    tsp: 0.00492892159375,
  },
  time: { s: 1, ms: 0.001, us: 1e-6, min: 60, h: 3600, d: 86400, wk: 604800 },
  speed: { 'm/s': 1, 'km/h': 1 / 3.6, mph: 0.44704, kn: 1852 / 3600, 'ft/s': 0.3048 },
  data: {
    B: 1,
    kB: 1e3,
    MB: 1e6,
    GB: 1e9,
    TB: 1e12,
    KiB: 1024,
    MiB: 1048576,
    GiB: 1073741824,
    TiB: 1099511627776,
    bit: 0.125,
  },
  energy: {
    J: 1,
    kJ: 1000,
    cal: 4.184,
    kcal: 4184,
    Wh: 3600,
    kWh: 3600000,
    eV: 1.602176634e-19,
    BTU: 1055.05585262,
  },
};

/** Kelvin from a scale, and back. */
const SCALES: Record<string, { toKelvin: (value: number) => number; fromKelvin: (value: number) => number }> =
  {
    K: { toKelvin: (value) => value, fromKelvin: (value) => value },
    degC: { toKelvin: (value) => value + 273.15, fromKelvin: (value) => value - 273.15 },
    degF: { toKelvin: (value) => (value + 459.67) / 1.8, fromKelvin: (value) => value * 1.8 - 459.67 },
  };

function kindOf(unit: string): string {
  if (Object.hasOwn(SCALES, unit)) return 'temperature';
  const kind = Object.keys(UNITS).find((name) => Object.hasOwn(UNITS[name]!, unit));
  if (kind === undefined) throw new RangeError(`unknown unit ${JSON.stringify(unit)}`);
  return kind;
}

export function run({ value, from, to }: Inputs): { value: number; unit: string; kind: string } {
  if (!Number.isFinite(value)) throw new TypeError('value is not a finite number');
  const kind = kindOf(from);
  const wanted = kindOf(to);
  if (kind !== wanted) throw new RangeError(`${from} is a unit of ${kind}, ${to} one of ${wanted}`);
  if (kind !== 'temperature')
    return { value: (value * UNITS[kind]![from]!) / UNITS[kind]![to]!, unit: to, kind };
  const kelvin = SCALES[from]!.toKelvin(value);
  if (kelvin < 0) throw new RangeError(`${value} ${from} lies below absolute zero`);
  return { value: SCALES[to]!.fromKelvin(kelvin), unit: to, kind };
}
