import e2e from './playwright.config';

// What takes minutes.
export default { ...e2e, testMatch: '*.proof.ts' };
