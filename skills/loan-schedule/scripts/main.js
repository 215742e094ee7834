export function run({ principalCents, ratePercent, months }) {
  if (!Number.isSafeInteger(principalCents) || principalCents < 1)
    throw new RangeError('principalCents must be a whole number above 0');
  if (!Number.isInteger(months) || months < 1) throw new RangeError('months must be a whole number above 0');
  if (!(ratePercent >= 0)) throw new RangeError('ratePercent must not be negative');
  const rate = ratePercent / 1200;
  const exact = rate === 0 ? principalCents / months : (principalCents * rate) / (1 - (1 + rate) ** -months);
  const level = Math.round(exact);
  const rows = [];
  let balance = principalCents;
  for (let month = 1; month <= months; month += 1) {
    const interest = Math.round(balance * rate);
    const isLast = month === months;
    const principal = isLast ? balance : Math.min(balance, level - interest);
    balance -= principal;
    rows.push({ month, payment: principal + interest, interest, principal, balance });
  }
  const paid = rows.reduce((sum, row) => sum + row.payment, 0);
  return { payment: level, totalInterest: paid - principalCents, rows };
}
