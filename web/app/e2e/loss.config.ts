import bench from './bench.config';

export default { ...bench, testMatch: 'loss.bench.ts' };
