function main({ tasks }) {
  const names = tasks.map((task) => task.name);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) throw new RangeError(`the task ${JSON.stringify(repeated)} appears twice`);
  const needs = new Map(tasks.map(({ name, after = [] }) => [name, new Set(after)]));
  for (const [name, after] of needs) {
    for (const need of after) {
      if (!needs.has(need))
        throw new RangeError(`${JSON.stringify(name)} comes after ${JSON.stringify(need)}, which is no task`);
    }
  }
  const levels = [];
  const done = new Set();
  while (done.size < names.length) {
    const level = names.filter(
      (name) => !done.has(name) && [...needs.get(name)].every((need) => done.has(need)),
    );
    if (level.length === 0)
      throw new RangeError(`the tasks wait for each other: ${cycle(needs, done).join(' → ')}`);
    for (const name of level) done.add(name);
    levels.push(level);
  }
  return { order: levels.flat(), levels };
}

/** Walks from one waiting task to the next until one comes again. */
function cycle(needs, done) {
  const path = [];
  let name = [...needs.keys()].find((one) => !done.has(one));
  while (!path.includes(name)) {
    path.push(name);
    name = [...needs.get(name)].find((need) => !done.has(need));
  }
  return [...path.slice(path.indexOf(name)), name];
}
