const corners = [];

corners.forEach((corner, index) => {
  if (!corner.every(Number.isFinite)) throw new TypeError(`corners[${index}] is not a pair of numbers`);
});
if (corners.length < 3) throw new RangeError(`a polygon needs at least 3 corners, got ${corners.length}`);

// Seen from the first corner, so that a small shape far from the origin keeps its digits.
const [originX, originY] = corners[0];
let doubled = 0;
let perimeter = 0;
let momentX = 0;
let momentY = 0;
for (let index = 0; index < corners.length; index += 1) {
  const [x1, y1] = corners[index];
  const [x2, y2] = corners[(index + 1) % corners.length];
  const cross = (x1 - originX) * (y2 - originY) - (x2 - originX) * (y1 - originY);
  doubled += cross;
  momentX += (x1 + x2 - 2 * originX) * cross;
  momentY += (y1 + y2 - 2 * originY) * cross;
  perimeter += Math.hypot(x2 - x1, y2 - y1);
}

const mean = (axis) => corners.reduce((sum, corner) => sum + corner[axis], 0) / corners.length;

export default {
  area: Math.abs(doubled) / 2,
  perimeter,
  centroid:
    doubled === 0
      ? [mean(0), mean(1)]
      : [originX + momentX / (3 * doubled), originY + momentY / (3 * doubled)],
  winding: doubled === 0 ? 'none' : doubled > 0 ? 'counterclockwise' : 'clockwise',
};
