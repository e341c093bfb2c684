import base from './playwright.config';

export default { ...base, testMatch: 'first.bench.ts', timeout: 600_000, reporter: [['./result.reporter.ts']] };
