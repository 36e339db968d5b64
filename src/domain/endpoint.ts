/**
 * An endpoint without what providers use as credentials: user, password, query and everything after the host. For
 * logs, messages and names; what is no URL is hidden as a whole.
 */
export const maskEndpoint = (endpoint: string): string => {
  if (!URL.canParse(endpoint)) return '***';
  const url = new URL(endpoint);
  const isHidden = url.username !== '' || url.password !== '' || url.search !== '' || url.pathname.length > 1;
  return `${url.protocol}//${url.host}${isHidden ? '/***' : ''}`;
};

/** A network by its name, or masked where it is given as the URL of a node. */
export const maskNetwork = (network: string): string =>
  network.includes('://') ? maskEndpoint(network) : network;

/** A text in which the endpoint, should it occur, is masked. */
export const maskIn = (text: string, endpoint: string): string =>
  endpoint === '' ? text : text.replaceAll(endpoint, maskEndpoint(endpoint));
