import { shownCatalog } from '../../../src/destinations/lake-names';

it.each([
  ['postgresql://me:s3cret@db/lake', 'postgresql://me:***@db/lake'],
  ['postgresql://me@db/lake?password=s3cret', 'postgresql://me@db/lake?password=***'],
  ["host=db password='s3cret \\' word' dbname=lake", 'host=db password=*** dbname=lake'],
  ['host=db sslkey=/k.pem sslpassword=s3cret dbname=lake', 'host=db sslkey=/k.pem sslpassword=*** dbname=lake'],
  ["host=db oauth_client_secret = 's3cret' dbname=lake", 'host=db oauth_client_secret = *** dbname=lake'],
  ['/lakes/catalog.ducklake', '/lakes/catalog.ducklake'],
])('shows the catalog %s without a secret', (catalog, shown) => {
  expect(shownCatalog(catalog)).toBe(shown);
});
