// Prints "PASSED FAILED" for a JSON report of vitest. A file that failed without a failing test
// counts as one, as does a run that ended badly although no test did.
//
//   node .ci/count.mjs REPORT EXIT_CODE
import { readFileSync } from 'node:fs';

const [path, exitCode] = process.argv.slice(2);

function read() {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return { numPassedTests: 0, numFailedTests: 0, testResults: [] };
  }
}

const { numPassedTests, numFailedTests, testResults } = read();
const brokenFiles = testResults.filter(
  ({ status, assertionResults }) =>
    status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
);
const failed = numFailedTests + brokenFiles.length;
console.log(numPassedTests, failed === 0 && exitCode !== '0' ? 1 : failed);
