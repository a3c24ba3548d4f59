/** What a part of a rule is: it says how the texts in it are read. */
export type Part = 'rule' | 'trigger' | 'condition' | 'action' | 'wait' | 'template' | 'plain';
