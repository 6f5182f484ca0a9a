/** The page of the Temporal UI that shows a workflow; without one, the list of all. */
export function workflowPage(uiUrl: string, workflowId = ''): string {
  const list = `${uiUrl}/namespaces/default/workflows`;
  return workflowId === '' ? list : `${list}/${encodeURIComponent(workflowId)}`;
}
