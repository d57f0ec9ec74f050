// The project `lake`: what its tests write into (test/helpers/settings).
process.env['PGSLUICE_TEST_DESTINATION'] = 'ducklake';
