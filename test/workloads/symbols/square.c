static inline int sq(int x){return x*x;} int helper(int a){ return sq(a)+sq(a+1);}
