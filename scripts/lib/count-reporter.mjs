// A reporter for node --test that writes, as one JSON object, what the summary of scripts/test.js needs.

/** @param {AsyncIterable<{ type: string, data: any }>} source */
export default async function* count(source) {
  const skipped = [];
  const files = [];
  let passed = 0;
  let failed = 0;
  for await (const { type, data } of source) {
    // Suites and files are counted by what is in them.
    if (data?.details?.type === 'suite') continue;
    if (type === 'test:complete' && data.name === data.file)
      files.push({ file: data.file, seconds: data.details.duration_ms / 1000 });
    const left = data?.skip ?? data?.todo;
    if (type === 'test:fail' && left === undefined) failed++;
    else if ((type === 'test:pass' || type === 'test:fail') && left !== undefined && left !== false)
      skipped.push({
        name: data.name,
        reason: typeof left === 'string' && left !== '' ? left : 'no reason given',
      });
    else if (type === 'test:pass') passed++;
  }
  files.sort((a, b) => b.seconds - a.seconds);
  yield `${JSON.stringify({ passed, failed, skipped, files })}\n`;
}
