import base from './playwright.config';

export default { ...base, testMatch: '*.bench.ts', timeout: 600_000, reporter: [['./result.reporter.ts']] };
