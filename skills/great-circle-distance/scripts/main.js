const from = { lat: 0, lon: 0 };
const to = { lat: 0, lon: 0 };
const unit = 'km';

const RADIUS = { km: 6371.0088, mi: 3958.7613, nmi: 3440.0695 };
if (!Object.hasOwn(RADIUS, unit))
  throw new RangeError(`unit must be one of ${Object.keys(RADIUS).join(', ')}`);
for (const [name, { lat, lon }] of Object.entries({ from, to })) {
  if (!(Math.abs(lat) <= 90)) throw new RangeError(`${name}.lat must lie between -90 and 90, got ${lat}`);
  if (!Number.isFinite(lon)) throw new TypeError(`${name}.lon is not a finite number`);
}

const radians = (degrees) => (degrees * Math.PI) / 180;
const [lat1, lat2] = [radians(from.lat), radians(to.lat)];
const east = radians(to.lon - from.lon);
const chord = Math.sin((lat2 - lat1) / 2) ** 2 + Math.cos(lat1) * Math.cos(lat2) * Math.sin(east / 2) ** 2;
const bearing = Math.atan2(
  Math.sin(east) * Math.cos(lat2),
  Math.cos(lat1) * Math.sin(lat2) - Math.sin(lat1) * Math.cos(lat2) * Math.cos(east),
);

const result = {
  distance: 2 * RADIUS[unit] * Math.asin(Math.min(1, Math.sqrt(chord))),
  bearing: ((bearing * 180) / Math.PI + 360) % 360,
  unit,
};
