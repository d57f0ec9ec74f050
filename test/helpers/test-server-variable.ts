/** Environment variable that carries the shared server's coordinates, as JSON. */
export const TEST_SERVER_VARIABLE = 'PGSLUICE_TEST_PG';
