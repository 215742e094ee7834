function slugify({ text, separator = '-', maxLength = 80 }) {
  if (typeof text !== 'string') throw new TypeError('text must be a string');
  if (!/^[-_.~]?$/.test(separator)) throw new RangeError('separator must be empty or one of - _ . ~');
  const spelled = { ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', đ: 'd', ł: 'l', þ: 'th' };
  const words =
    text
      .toLowerCase()
      .replace(/[ßæœøđłþ]/g, (letter) => spelled[letter])
      .normalize('NFKD')
      .replace(/\p{Mark}+/gu, '')
      .replace(/['’]/g, '')
      .match(/[a-z0-9]+/g) ?? [];
  let slug = '';
  for (const word of words) {
    const longer = slug === '' ? word : slug + separator + word;
    if (longer.length > maxLength) break;
    slug = longer;
  }
  // A first word longer than the bound is cut: an empty slug would name nothing.
  return slug === '' && words.length > 0 ? words[0].slice(0, maxLength) : slug;
}
