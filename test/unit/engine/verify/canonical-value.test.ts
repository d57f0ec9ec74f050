import { canonicalValue, shownValue } from '../../../../src/engine/verify/canonical-value';

describe('floats', () => {
  it.each([
    ['float64', '14', '402c000000000000'],
    ['float64', '14.000000000000002', '402c000000000001'],
    ['float64', '-0', '8000000000000000'],
    ['float64', '-Infinity', 'fff0000000000000'],
    ['float32', '0.1', '3dcccccd'],
    ['float32', '16777216', '4b800000'],
    ['float32', '3.4028235e+38', '7f7fffff'],
    ['float32', '-0', '80000000'],
    ['float32', 'Infinity', '7f800000'],
    ['float64', 'NaN', 'NaN'],
  ] as const)('of type %s: %s is compared by its bits and shown as the number', (kind, text, canonical) => {
    expect(canonicalValue(text, { kind })).toBe(canonical);
    expect(shownValue(canonical, { kind })).toBe(text);
  });

  it('other values are shown as they are compared', () => {
    expect(shownValue('402c', { kind: 'string' })).toBe('402c');
    expect(shownValue(null, { kind: 'float64' })).toBeNull();
  });
});
